"""What several studies share: data, nets, methods, many runs in one program."""
