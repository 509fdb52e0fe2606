"""Answers the questions of `brickyard new` at a terminal."""

import os
import pty
import sys

brickyard, folder = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(folder)
    os.execv(brickyard, [brickyard, "new", "shop"])

said = b""


def until(words):
    global said
    while words not in said:
        piece = os.read(terminal, 4096)
        assert piece, said
        said += piece
    said = said[said.index(words) + len(words):]


until(b"prototypes")
until(b"Number or word [1]: ")
os.write(terminal, b"nonsense\n")
until(b"There is no choice `nonsense`")
until(b"Number or word [1]: ")
os.write(terminal, b"dash\n")
until(b"Numbers or words [1]: ")
os.write(terminal, b"1, lakebase\n")
until(b"Number or word [1]: ")
os.write(terminal, b"3\n")
until(b"Number or word [1]: ")
os.write(terminal, b"\n")
until(b"framework: Dash")
until(b"data: SQL warehouse, Lakebase")
until(b"brickyard run shop")
_, status = os.waitpid(pid, 0)
assert status == 0, status
print("done")
