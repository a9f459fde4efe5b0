import subprocess
import sys
from argparse import Namespace

from nexus.config.origin import flags_from, settings_over_file


def test_arguments_become_flags_by_key_and_absent_ones_do_not() -> None:
    args = Namespace(host=None, port=9000, no_discovery=True, no_health_check=False, other=1)
    assert flags_from(args) == {"server.port": 9000, "discovery.enabled": False}
    assert flags_from(Namespace()) == {}


def test_flags_come_after_the_environment_so_that_they_win() -> None:
    over = settings_over_file({"NEXUS_PORT": "1"}, {"server.port": 2, "queue.max_size": 3})
    assert [(setting.origin, setting.value) for setting in over] == [
        ("env NEXUS_PORT", "1"),
        ("flag --port", 2),
        ("flag --max-size", 3),
    ]


def test_the_tables_for_the_command_line_come_without_pydantic() -> None:
    code = "import sys, nexus.config.origin, nexus.cli.config; print('pydantic' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
