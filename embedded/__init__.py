"""The embedded model: generators, pretraining, measuring, export and adapters of the small Llama this project ships."""
