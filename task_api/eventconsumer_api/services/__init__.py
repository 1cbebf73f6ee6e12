"""What the Task API does, told without HTTP and without Kafka."""
