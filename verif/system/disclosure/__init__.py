"""What may leave this machine: secrets told by name and by content, and addresses without their passwords."""
