"""Where images, questions and answers come from; nothing here knows about models or visual tokens."""
