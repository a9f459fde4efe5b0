from pathlib import Path

from nexus.cli.main import parser
from nexus.cli.reference import MARKDOWN, markdown
from nexus.cli.tree import tree

ROOT = Path(__file__).parents[3]


def test_the_reference_page_is_what_the_parser_says() -> None:
    page = (ROOT / MARKDOWN).read_text(encoding="utf-8")
    assert page == markdown(parser()), "run `python -m nexus.cli.reference`"


def test_every_command_teaches_with_a_description_and_an_example() -> None:
    for command in tree(parser()).walk():
        assert command.description, command.path
        assert "example" in command.epilog, command.path
        assert command.path in command.epilog, command.path


def test_every_option_and_argument_is_explained() -> None:
    for command in tree(parser()).walk():
        for asked in (*command.options, *command.arguments):
            assert asked.help or asked.metavar == "NAME", (command.path, asked)
