"""One output per file: a `match` over the story's blocks each. Only writers know ink."""
