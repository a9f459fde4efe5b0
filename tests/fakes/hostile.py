"""Names that servers, clients and networks may choose, and that must stay text."""

HOSTILE = (
    "x\x1b]0;owned\x07",
    "gpu[/b]",
    "[@click=app.quit]x[/]",
    "\x9b31mred",
    "a\u202eb",
    "n" * 5000,
    "漢字\U0001f469\u200d\U0001f4bb",
    "line\nbreak",
    "z" + "\u0301" * 50,
    "[",
    "",
    "\r\r=1+1",
)
