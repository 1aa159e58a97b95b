"""Which of several nodes is asked, and what is known of the way to them."""
