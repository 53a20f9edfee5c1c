"""A script in the middle: nested.py URL"""
import subprocess
import sys

subprocess.run(["/bin/sh", "-c", 'curl -s "$0"; :', sys.argv[1]], check=True)
