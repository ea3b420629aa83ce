"""Images, questions and answers; nothing here knows about models or visual tokens."""
