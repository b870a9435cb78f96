"""Pure foundations shared by every room: ids, money, time and the closed family of errors.

Standard library only, so that anything may import it and nothing here can reach out.
"""
