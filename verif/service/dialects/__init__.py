"""What other trainers say to a reward server, and what they want to hear: one file each.

`read` makes items of a body, `answer` the body of the reply; `verif.service.speaking` does the rest.
"""
