"""What an option file asks for, tried before anything is built: calls, networks, training, data sets, checkpoints."""
