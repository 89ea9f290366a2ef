"""What the DSP kernels that pool as they convolve have in common."""

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.targets.portable.conv_2d_max_pool_2d import Conv2DMaxPool2DConstants


def pools_pairs(layer: Conv2DMaxPool2DConstants) -> Decision:
    """Whether the pool takes 2x2 outputs of the convolution, each once and none from outside."""
    pool, window = layer.pool, layer.conv.window
    inside = all(
        2 * pooled <= made for pooled, made in zip(pool.output, window.output, strict=True)
    )
    sizes, strides = (f"{height}x{width}" for height, width in (pool.kernel, pool.stride))
    return Decision(
        "pools are 2x2",
        sizes == strides == "2x2" and inside,
        f"pools of {sizes} at steps of {strides}, {'none' if inside else 'some'} from outside",
    )
