"""Codes that one person reads to another, such as `7-crisp-otter`.

A number from 1 to 999, one of 256 adjectives, one of 256 nouns: 65 million codes, 25.9 bits. That is enough
because a code is good for one guess (see `sealing`). The words are a list of this project's own: short, and
no slip of one letter makes another of them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from typing import Final

NUMBERS: Final = 999

_ADJECTIVES = """
agile amber ample ancient angular arctic autumn azure balmy bold brave breezy bright brisk broad bronze
bubbly calm candid careful casual cheery chilly civic clever cloudy coastal cobalt cool copper coral
cosmic cozy crafty crimson crisp curious curly daily dapper daring dazzling deep deluxe distant dotted
double dreamy eager earnest eastern easy elastic elder electric elegant emerald endless exact fabled faint
famous feathery festive fiery firm fleet floral flying formal forty fragrant fresh friendly frosty fuzzy
gallant gentle giant gifted gilded glad gleaming global glossy golden good graceful grand granite green
happy hardy harmless hasty hazel hearty helpful hidden hollow honest humble icy ideal indigo inner iron
ivory jade jaunty jolly jovial joyful juicy keen kind lasting lavish leafy light likely lilac little lofty
loud lovely loyal lucid lunar magic major marble mellow merry mighty mild misty modern modest mossy
musical narrow native neat nimble noble northern novel oaken oblong ocean olive opal open orange outer
patient peaceful pearly perky pink placid plain playful pleasant plucky polished polite proper proud pure
purple quiet radiant rapid rare ready regal restful ripe robust rocky rosy round rugged rustic sandy satin
scarlet scenic secret serene shady sharp shiny silent silken silver simple sincere sleepy slender smart
smooth snowy soft solar solid southern speedy spicy spiral splendid spotted spry square starry steady
stellar sturdy sunny super supple swift tall tame tangy tawny teal tender tiny topaz tranquil tropical
true trusty twin upbeat urban useful valiant vast velvet violet vivid warm wavy western windy winter wise
witty wooden woolly young zesty
"""
_NOUNS = """
acorn airship almond anchor anvil apple apricot arrow atlas attic badger bagel bakery balloon bamboo banjo
barley barn basket beacon beaver bell bicycle biscuit bison blanket blossom bonfire bottle boulder bramble
bridge brook bucket buffalo bugle butter button cabin cactus camel canal candle canoe canyon caramel
carpet carrot castle cedar cello chapel cherry chess chimney cider cinema circus clarinet clock clover
cobbler coconut comet compass cookie cottage cricket crown cushion daisy dancer denim desert diary dolphin
donkey dragon drummer duckling eagle easel echo elbow engine falcon farmer feather ferry fiddle flute
forest fossil fountain fox galaxy garden garlic gazelle geyser ginger giraffe glacier glove goblet goose
grape guitar hammer hammock harbor harp hazelnut hedge helmet heron honey horizon igloo island jacket
jaguar jasmine jigsaw journal juniper kayak kennel kettle kitchen kite koala ladder lagoon lantern laurel
lemon library lighthouse lizard llama lobster lotus magnet magpie mango maple market marmot meadow melon
meteor mirror mitten monsoon muffin museum napkin nectar needle noodle notebook nutmeg oasis oboe octopus
orchard orchid otter owl paddle palace panda paper parade pasture peach pebble pelican pencil penguin
pepper petal piano picnic pigeon pirate planet plaza poet poppy potato prairie pumpkin puzzle quarry quilt
rabbit raccoon radio radish raft rainbow raven ribbon river robin rocket sailor salmon sandal satchel
saucer scarf sculptor seagull shelter shore sketch sparrow spoon spruce squirrel statue stream sunset
teapot temple thistle ticket tiger toast tomato torch tower train trumpet tulip tunnel turtle umbrella
valley vanilla village violin voyage waffle wagon walnut walrus waterfall willow window yacht zebra
zeppelin
"""
ADJECTIVES: Final = tuple(_ADJECTIVES.split())
NOUNS: Final = tuple(_NOUNS.split())


def new_code(entropy: Callable[[int], bytes]) -> str:
    """A code from the random bytes of `entropy` (`os.urandom`); each is as likely as any other."""
    while not 1 <= (number := int.from_bytes(entropy(2), "big") & 0x3FF) <= NUMBERS:
        pass
    adjective, noun = entropy(2)
    return f"{number}-{ADJECTIVES[adjective]}-{NOUNS[noun]}"


def normal(text: str) -> str:
    """A code as somebody typed it, in the form that `new_code` gives: ` 7 Crisp  OTTER` → `7-crisp-otter`."""
    text = unicodedata.normalize("NFKC", text).casefold()
    words = [word for word in re.split(r"[\W_]+", text) if word]
    if words and words[0].isascii() and words[0].isdigit():
        words[0] = words[0].lstrip("0")
    return "-".join(words)


def mistyped(code: str) -> str | None:
    """What is wrong with a code in the normal form; None: it could be one. To be asked before the guess."""
    number, *words = code.split("-")
    if len(words) != 2 or not (number.isascii() and number.isdigit() and len(number) <= 3):
        return "A code is a number and two words, such as 7-crisp-otter."
    for word, known in zip(words, (ADJECTIVES, NOUNS), strict=True):
        if word not in known:
            near = difflib.get_close_matches(word, known, 1)
            return f"No code has the word '{word}'." + (f" Is it '{near[0]}'?" if near else "")
    return None
