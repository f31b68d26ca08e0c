"""From something a user has to a Graph. A framework is loaded by the one reader that needs it."""
