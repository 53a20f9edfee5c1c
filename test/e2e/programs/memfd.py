"""Executes a program that has no file: memfd.py MARK PROGRAM ARGUMENT…"""
import os
import sys

fd = os.memfd_create(sys.argv[1])
with open(sys.argv[2], "rb") as program:
    os.write(fd, program.read())
os.execve(fd, sys.argv[2:], dict(os.environ))
