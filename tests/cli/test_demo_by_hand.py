"""A shell that reads the demo's environment has it as it was."""

import subprocess

from cli.demo.by_hand import exports


def test_a_shell_reads_every_value_as_it_is() -> None:
    values = {
        "PLAIN": "abc",
        "URL": "postgresql:///x?host=%2Fs&port=1",
        "JSON": '[{"a": "it\'s $1"}]',
    }
    script = exports(values) + "".join(f'printf "%s\\n" "${name}"\n' for name in values)

    ran = subprocess.run(  # noqa: S603 - the script is ours
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines() == list(values.values())
