"""One command per file: `HELP`, `arguments(parser)`, `run(options) -> exit code`. A new file is a new command."""
