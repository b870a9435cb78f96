"""The KYC vendor: looks at people, decides, and changes its mind on demand."""
