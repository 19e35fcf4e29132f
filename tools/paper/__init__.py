"""The book away from its site: one PDF, an EPUB, an archive that works offline, and decks of slides.

All of them are made from the built pages (``make book``), so that they say what the site says. ``site`` reads the pages
in the order of the table of contents; ``plain`` takes away what needs a screen; ``links`` gives every target one name
in the whole book; ``solutions`` moves the answers to the end. What comes out is printed by ``pdf`` and packed by
``epub``; ``slides`` and ``offline`` start from the pages, too. ``formulas`` and ``chromium`` work with no network.
"""
