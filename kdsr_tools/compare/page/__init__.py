"""What is on the page of `kdsr compare`."""
