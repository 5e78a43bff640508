"""The driving school's pages: learners and their consent, batches with each row's result, seats and results."""
