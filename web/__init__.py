"""構成: the composition root: command line, web pages, scheduler, migrations, sentences."""
