"""What the DSP kernels that pool have in common."""

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.targets.portable.window import WindowConstants


def pools_pairs(pool: WindowConstants, source: tuple[int, int]) -> Decision:
    """Whether a pool takes 2x2 of a ``source`` (height, width), each once and none from outside."""
    inside = all(2 * pooled <= side for pooled, side in zip(pool.output, source, strict=True))
    sizes, strides = (f"{height}x{width}" for height, width in (pool.kernel, pool.stride))
    return Decision(
        "pools are 2x2",
        sizes == strides == "2x2" and inside,
        f"pools of {sizes} at steps of {strides}, {'none' if inside else 'some'} from outside",
    )
