"""How people see a difference: LPIPS as a loss and as a metric, on weights of AlexNet and VGG16 that a file holds."""
