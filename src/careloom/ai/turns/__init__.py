"""One turn of a worker: model calls, tools and the answer, each kept before the next is done."""
