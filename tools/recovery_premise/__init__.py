"""Whether real faces are recovered better than fakes of the same frame, in several forms of 'better'."""
