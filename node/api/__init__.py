"""The node's API: what its clients may ask over HTTP, beside what every link does.

questions   to the store, on threads, bounded in number and time
desk        submissions and answers: what the HTTP link needs of the node
trades, figures, rules      what is told, each to an institution about itself alone
routes      paths and parameters; document: the same as OpenAPI
"""
