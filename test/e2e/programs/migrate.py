"""The script below it: migrate.py CONNINFO STATEMENT..."""
import subprocess
import sys

conninfo, *statements = sys.argv[1:]
commands = [word for statement in statements for word in ("-c", statement)]
sys.exit(subprocess.run(["psql", "-XAtq", conninfo, *commands], check=False).returncode)
