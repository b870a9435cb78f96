"""One use-case per file. A command writes rows and a request; the call follows in a job."""
