"""What a car and its desktop app share: messages and video codecs.

pynet's core never imports this package.
"""
