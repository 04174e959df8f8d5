"""What people type into a box that asks what to remember of them: of themselves, and of the world.

The odd ones (the first, the third, ...) were looked at while the rules were written, the others as totals alone.
"""

OF_ONESELF = """
no nuts
short answers
vegan
hiking
Python over Java
allergic to penicillin
answers in metric units
window seat
tea, not coffee
no flights before 9 am
lives in Lisbon
two kids, 4 and 7
works nights
quiet hotels only
prefers trains to planes
Celsius please
left-handed
native speaker of Polish
beginner at chess
dogs > cats
never on Sundays
no meetings on Friday afternoons
budget: 800 euros
British spelling
code examples in Rust
plays the cello
lactose intolerant
can't drive
doesn't drink alcohol
gluten free
early riser
football, especially Benfica
My sister is allergic to cats.
Answers should be short.
Meetings before ten are a bad idea for me.
Jazz is boring.
Horror films are awful.
Name is Ana.
favourite colour is green
Birthday is 3 May
timezone is CET
The kids are vegetarian.
Dinner is at seven.
Hotels must be quiet.
Mondays are gym days.
Mornings are best.
Nuts are a no-go.
Cilantro tastes like soap.
Seafood is delicious, oysters are not.
Wife is from Brazil
dog is called Rex
I think olives are disgusting.
I believe in God.
I think I'm allergic to kiwis.
I was born in Porto.
We moved to Graz last year.
I know some Spanish.
in my opinion modern art is overrated
Nothing with mushrooms.
Only vegetarian recipes.
Fewer emojis.
plain words, like for a child
dates as 2026-03-02
prices in euros
nothing too spicy
aisle seats make me feel safe
Long flights make me nervous.
Coffee after 4 pm keeps me awake.
Loud music gives me a headache.
This year I train for a marathon.
Everything in English, please.
Ana prefers tea.
The user is a nurse.
User lives in Berlin and works as a teacher
my boss hates emojis
Our flat has no lift.
Our dog is afraid of thunder.
Nobody in my family eats pork.
size 42 shoes
retired teacher
learning Japanese, level N4
diabetic type 1
wheelchair user
kosher kitchen
museums rather than beaches
old maps
everything about astronomy
the Beatles
Terry Pratchett novels
call me Jo
training for a half marathon in May
rock climbing on weekends
more of a cat person
big fan of Miles Davis
hate small talk
love long walks
Spanish is my first language.
Sundays are for the family.
TypeScript is what I use at work.
Replies must have sources.
"""

OF_THE_WORLD = """
The sky is blue.
Paris is the capital of France.
Water boils at 100 degrees.
The earth is flat.
Vaccines cause autism.
The moon landing was faked.
I think the earth is flat.
I believe that vaccines are dangerous.
I'm sure the election was stolen.
Everyone knows that sugar makes children hyperactive.
2 + 2 = 5
The Eiffel Tower is in Berlin.
Cats have nine lives.
Gold is heavier than iron.
Napoleon was short.
Shakespeare wrote Hamlet.
Python was created by Guido van Rossum.
The speed of light is 300,000 km/s.
There are eight planets.
It is raining in London.
Today is Tuesday.
Bitcoin will reach a million dollars.
Climate change is a hoax.
Germany won the World Cup in 2014.
Humans only use ten percent of their brains.
The Great Wall is visible from space.
Elephants never forget.
Penguins live in Antarctica.
My teacher says the earth is only 6000 years old.
I read that coffee causes cancer.
I heard the bank on Main Street closed.
As far as I know, Sydney is the capital of Australia.
We all know that the sun orbits the earth.
In my opinion the government is corrupt.
The government is hiding aliens.
Inflation is at 9 percent.
The CEO of Apple is Tim Cook.
Mount Everest is 8,849 metres high.
Tomatoes are fruits.
Whales are mammals.
The stock market crashed yesterday.
Garlic cures colds.
Homeopathy works against cancer.
5G spreads viruses.
Bananas contain potassium.
The store on the corner closes at eight.
Lisbon has a population of half a million.
The Pacific is the largest ocean.
What is the capital of France?
Is the sky blue?
How tall is the Eiffel Tower?
It's known that cats hate water.
Birds can fly.
Fish can't breathe air.
The president of the United States is a lizard.
Immigrants commit more crimes.
Women are worse drivers.
The Holocaust never happened.
HTTP uses port 80.
JavaScript was invented in ten days.
Rust has no garbage collector.
The next train to Porto leaves at 9:40.
Einstein failed maths at school.
Lightning never strikes twice.
Mars has two moons.
Chocolate is poisonous for dogs.
The Nile flows through Egypt.
Iron rusts.
Plants need sunlight.
The Berlin Wall fell in 1989.
World War II ended in 1945.
The dinosaurs died out 65 million years ago.
Emoji were invented in Japan.
Formal logic goes back to Aristotle.
Short waves travel further.
People are selfish.
All politicians lie.
Nobody really landed on the moon.
The human body has 206 bones.
A year has 365 days.
Light travels faster than sound.
Diamonds are made of carbon.
The internet was a mistake.
Remember that the earth is flat.
Note: Pluto is a planet.
Fact: the sun is a star.
I am certain that Atlantis existed.
I know for a fact that the pyramids were built by aliens.
My father told me that lightning can't hit a car.
It turns out that honey never spoils.
Our galaxy has a black hole in its middle.
The universe is 13.8 billion years old.
Spanish is spoken in Mexico.
Coffee comes from Ethiopia.
Football was invented in England.
Dogs see in black and white.
Hotels in Lisbon cost 120 euros a night.
Trains in Portugal are often late.
The new museum opens in June.
Aspirin thins the blood.
"""


def lines(of: str) -> list[str]:
    """One text a line."""
    return of.strip().splitlines()
