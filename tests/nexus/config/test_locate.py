from nexus.config.locate import line_at, lines_of

TEXT = """\
# comment
[server]  # where
port = 1
host.name = "x"

[routing.policies."llama3.*"]
min_tier = 1
[[backends]]
name = "a"
[[ backends ]]
  "na.me" = "b"
[backends.sub]
x = 1
list = [
  ["a"],
]
"""


def test_keys_are_found_in_their_lines() -> None:
    lines = lines_of(TEXT)
    assert line_at(lines, ("server",)) == 2
    assert line_at(lines, ("server", "port")) == 3
    assert line_at(lines, ("server", "host", "name")) == 4
    assert line_at(lines, ("routing", "policies", "llama3.*", "min_tier")) == 7
    assert line_at(lines, ("backends", 0, "name")) == 9
    assert line_at(lines, ("backends", 1, "na.me")) == 11
    assert line_at(lines, ("backends", 1, "sub", "x")) == 13


def test_what_is_missing_is_looked_for_in_the_table_around_it() -> None:
    lines = lines_of(TEXT)
    assert line_at(lines, ("backends", 0, "url")) == 8
    assert line_at(lines, ("queue", "max_size")) == 0


def test_long_lines_of_quotes_take_no_time_to_speak_of() -> None:
    hostile = "[" + '"a' * 20_000 + "\n" + "a." * 20_000 + "\n"
    assert lines_of(hostile) == {}
