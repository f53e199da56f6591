"""Channel providers on one machine: an SMS service that speaks Twilio's Messages API, and a mail server."""
