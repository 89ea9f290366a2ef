"""Generated C that answers falsely."""

from glyphite.convert.workspace import ModelFolder


def tamper(folder: ModelFolder) -> None:
    """Make the generated C answer with another bit in its first score."""
    path = folder.generated / "model.c"
    honest = path.read_text().replace("void model_invoke(void) {", "static void honest(void) {")
    dishonest = (
        "void model_invoke(void) {\n    honest();\n    int8_t *scores = (int8_t *)model_output();\n"
        "    scores[0] = (int8_t)(scores[0] ^ 1);\n}\n"
    )
    path.write_text(honest + dishonest)
