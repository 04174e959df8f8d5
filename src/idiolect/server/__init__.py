"""OpenAI's API, the API about people, and the page."""
