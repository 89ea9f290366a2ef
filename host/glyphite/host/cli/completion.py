"""``glyphite completion``: the script by which a shell completes verbs, options and names.

The script knows verbs, options and boards as they were when it was made; the shell itself looks for
models, so nothing of Glyphite is started while one types.
"""

import argparse

from glyphite.convert.boards import all_boards
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import ToolError
from glyphite.convert.extras import remedy
from glyphite.convert.shipped import MODELS
from glyphite.host.cli.streams import print_script
from glyphite.train.networks.networks import NETWORKS

EXAMPLE = "glyphite completion bash > ~/.local/share/bash-completion/completions/glyphite"
SHELLS = ("bash", "zsh", "fish")

_BASH = """
_glyphite_model_files() {
  local folder
  for folder in "${GLYPHITE_BUILD:-build}"/*/; do
    [ -e "$folder/model_int8.tflite" ] || [ -e "$folder/model.keras" ] || continue
    folder=${folder%/}
    compgen -W "${folder##*/}" -- "$1"
  done
  compgen -W "SHIPPED" -- "$1"
  compgen -f -X '!*.tflite' -- "$1"
  compgen -f -X '!*.keras' -- "$1"
  compgen -d -- "$1"
}
_glyphite_board_files() {
  compgen -W "BOARDS" -- "$1"
  compgen -f -X '!*.toml' -- "$1"
  compgen -d -- "$1"
}
"""
_ZSH = """
_glyphite_model_files() {
  local -a names
  names=(SHIPPED ${GLYPHITE_BUILD:-build}/*/(model_int8.tflite|model.keras)(N:h:t))
  compadd -- $names
  _files -g '*.(tflite|keras)'
}
_glyphite_board_files() {
  compadd -- BOARDS
  _files -g '*.toml'
}
"""
_FISH = """
function _glyphite_model_files
  set -l folder build
  set -q GLYPHITE_BUILD; and set folder $GLYPHITE_BUILD
  printf '%s\\n' SHIPPED
  for path in $folder/*/model_int8.tflite $folder/*/model.keras
    path basename (path dirname $path)
  end
  __fish_complete_suffix .tflite
end
function _glyphite_board_files
  printf '%s\\n' BOARDS
  __fish_complete_suffix .toml
end
"""
_CALL = {"bash": "{}", "zsh": "{}", "fish": "({})"}
"""How each shell calls a function for the words that may stand somewhere."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(arguments: argparse.Namespace) -> int:
    """Print the script. Raises ToolError where shtab, which writes it, is not installed."""
    from glyphite.host.cli import whole_parser

    try:
        import shtab
    except ModuleNotFoundError as error:
        raise ToolError(
            f"The package shtab is not installed, and it writes the script. {remedy('completion')}"
        ) from error
    parser = whole_parser()
    _complete_names(parser)
    text = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[arguments.shell]
    shipped = sorted(path.name for path in MODELS.iterdir() if path.is_dir())
    boards = (board.name for board in all_boards())
    text = text.replace("SHIPPED", " ".join(shipped)).replace("BOARDS", " ".join(boards))
    print_script(shtab.complete(parser, arguments.shell, preamble=text))
    return 0


def _complete_names(parser: argparse.ArgumentParser) -> None:
    """Say of each argument what may stand there."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                _complete_names(verb)
        elif action.dest in ("model", "board"):
            function = f"_glyphite_{action.dest}_files"
            names = {shell: form.format(function) for shell, form in _CALL.items()}
            vars(action)["complete"] = names  # where shtab looks for it
        elif action.dest == "network":
            action.choices = sorted(NETWORKS)
        elif action.dest == "optimize":
            action.choices = list(Goal)
