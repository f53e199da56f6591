"""The shared kernel of Arrears: what two services use and what crosses Kafka. It holds no lender rule."""
