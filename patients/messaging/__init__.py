"""Messages between patients and those who care for them: threads, notices, pages and the API."""
