"""Turns of one person, prompts that refer back to them, and prompts that do not: what the gate of turns is held to."""

from typing import Final

TURNS: Final = {
    "book": (
        "Can you recommend a novel about the sea?",
        "Try The Salt Road by Mira Venn: a slow, bright novel about a lighthouse keeper and her two sons.",
    ),
    "garden": (
        "My garden faces north and the soil is heavy clay. What can I plant?",
        "Hostas, ferns and astilbe do well in shade and clay; dig in compost first.",
    ),
    "risotto": (
        "How do I make a mushroom risotto creamy?",
        "Toast the rice, add hot stock a ladle at a time, and beat in cold butter at the end.",
    ),
    "bike": (
        "My bike's rear brake squeals when it rains.",
        "Clean the rim with alcohol, sand the pads lightly and toe them in by a millimetre.",
    ),
    "lisbon": (
        "Plan three days in Lisbon for me and my son.",
        "Day one: Alfama and tram 28. Day two: the Oceanarium and Belem. Day three: a train to Sintra.",
    ),
    "thesis": (
        "I'm writing my thesis about river sediment. How should I structure the introduction?",
        "Start with why sediment matters, then the gap, then your question, and close with an outline.",
    ),
    "python": (
        "Why does my pandas merge produce duplicate rows?",
        "The key is not unique on one side; check with duplicated() and pass validate='one_to_one'.",
    ),
    "dog": (
        "Our new puppy Pixel cries at night.",
        "Put the crate beside your bed for two weeks, then move it a little further each night.",
    ),
    "run": (
        "I want to run a half marathon in October. I can run 8 km now.",
        "Add a kilometre to the long run every week, keep two easy runs, and rest every fourth week.",
    ),
    "wine": (
        "Which wine goes with grilled sardines?",
        "A young Vinho Verde, or a dry Muscadet, well chilled.",
    ),
    "guitar": (
        "I can't switch from G to C fast enough on guitar.",
        "Keep the third finger as an anchor and practise one-minute changes with a metronome at 60.",
    ),
    "boss": (
        "How do I tell my boss Carla that I want to work four days a week?",
        "Propose a trial of three months, show which tasks move, and ask for twenty minutes, not an email.",
    ),
    "present": (
        "What could I give my grandmother for her 80th birthday?",
        "A photo book with a letter from each grandchild, or a bench for her balcony.",
    ),
    "laptop": (
        "Which laptop should I buy for video editing under 1500 euros?",
        "The Nordbook 14 with 32 GB of memory; its screen covers the whole P3 range.",
    ),
    "spanish": (
        "What is the difference between por and para?",
        "Por is for causes and exchange, para for aims and deadlines.",
    ),
    "paint": (
        "What colour should I paint a small dark hallway?",
        "A warm off-white such as Oat Milk on the walls and the same shade, gloss, on the doors.",
    ),
    "plumber": (
        "The kitchen tap drips even when it is closed.",
        "The cartridge is worn: turn off the water, unscrew the lever and take the old one to the shop.",
    ),
    "chess": (
        "Which opening should a beginner learn against e4?",
        "The Caro-Kann: it is solid and has few traps to remember.",
    ),
}

BACK: Final = (
    ("What was the name of the novel you recommended?", "book"),
    ("Who wrote that book about the sea that you suggested?", "book"),
    ("As I told you about my garden, it gets little sun. Would roses survive there?", "garden"),
    ("Which shade plants did you mention for clay?", "garden"),
    ("Remember the risotto we talked about? Can I use barley instead?", "risotto"),
    ("What was the trick you told me to stop the brake squealing?", "bike"),
    ("Which day did we plan for Sintra in Lisbon?", "lisbon"),
    ("Back to my thesis: how did you say the introduction should end?", "thesis"),
    ("What was the argument for the pandas merge you mentioned?", "python"),
    ("Do you remember what my puppy is called?", "dog"),
    ("Following up on the half marathon plan, what if I miss a week?", "run"),
    ("Which wine did you suggest with the sardines?", "wine"),
    ("Last time you gave me a guitar exercise for chord changes. What was the tempo?", "guitar"),
    ("Did I tell you the name of my boss?", "boss"),
    ("Remind me of the present ideas for my grandmother.", "present"),
    ("What laptop did you recommend for video editing?", "laptop"),
    ("You explained por and para to me once. Can you give examples?", "spanish"),
    ("What was the paint shade we picked for the hallway?", "paint"),
    ("The tap drips again. What was the part you said is worn?", "plumber"),
    ("Which chess opening did you tell me to learn?", "chess"),
)

NEVER: Final = (
    "What was the name of the hotel you recommended in Vienna?",
    "Remember the poem about autumn we worked on?",
    "Which tax form did you say I need?",
    "As I told you about my job interview, it went well. What next?",
    "What was the recipe for pancakes you gave me?",
    "Which film did you suggest for Friday night?",
    "Did we talk about my sister's wedding?",
    "Remind me what you said about the electric car.",
    "You mentioned a podcast on economics. Which one was it?",
    "What did you advise about the leaking roof insurance?",
    "Last time we discussed my knitting pattern. How many rows was it?",
    "As you said, the stock market fell. Why?",
    "As I said in my letter to the council, the street is too loud. Make it shorter.",
    "My doctor told me to drink more water. How much is right?",
    "What time is it in Tokyo when it is noon in Paris?",
    "The other day I saw a heron. What do they eat?",
)

ORDINARY: Final = (
    "What should I cook tonight?",
    "Write a haiku about winter.",
    "Explain how a heat pump works.",
    "Recommend a crime novel.",
    "What are good restaurants in Porto?",
    "How do I make tomato soup?",
    "Which wine goes with roast lamb?",
    "What is the capital of Portugal?",
    "How do I fix a flat bike tyre?",
    "What is the best way to train a cat?",
    "Why does my python script run slowly?",
    "How do I sort a list in Python?",
    "Translate 'good morning' into Spanish.",
    "When do I use ser and estar?",
    "How do I apologise to my boss for being late?",
    "What phone should I buy under 500 euros?",
    "How do I prune roses?",
    "What colour goes with navy blue?",
    "How long does it take to learn the piano?",
    "What is a good present for a colleague?",
    "How can I sleep better?",
    "Summarise the plot of Hamlet.",
    "What is 17 times 23?",
    "Tell me a joke.",
    "How do rivers form?",
    "Write a cover letter for a nurse.",
    "How do I clean a leather sofa?",
    "What is the Sicilian Defence?",
    "Plan a week in Norway.",
    "How many calories does running burn?",
    "How do I remove rust from a bath?",
    "Give me ideas for a children's party.",
    "What does 'ceteris paribus' mean?",
    "Is it safe to eat raw mushrooms?",
    "What is a metronome?",
    "Thanks, that helps!",
    "Hello, how are you?",
    "Can you help me?",
    "Write an email to my landlord about the heating.",
    "What are the rules of chess?",
)
