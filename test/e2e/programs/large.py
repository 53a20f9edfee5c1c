"""Executes dial.py with a megabyte of arguments: large.py ADDRESS PORT MARK"""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
os.execv(
    sys.executable,
    [sys.executable, f"{here}/dial.py", "plain", *sys.argv[1:], *(["x" * 100_000] * 10)],
)
