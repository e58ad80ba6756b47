"""The command `riddlewire`: one module per group of commands, thin over the same parts that the HTTP service uses."""
