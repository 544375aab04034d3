"""Shows the inbox: conversations, one chat, and cases of people who never wrote."""
