"""A fixed set of general reading questions, none of them about a user's data: what a run must not unlearn."""

# (passage, question, what the answer must hold). Invented or common knowledge; written for this probe.
GENERAL = (
    (
        "The ferry to Lund island leaves every two hours from pier four.",
        "From which pier does the ferry leave?",
        "four",
    ),
    ("Honey keeps for years when the jar is closed tightly.", "How long does honey keep?", "years"),
    ("The old mill was turned into a museum in 1987.", "When was the old mill turned into a museum?", "1987"),
    ("Maria plays the cello in the town orchestra.", "Which instrument does Maria play?", "cello"),
    ("The library lends up to ten books at a time.", "How many books does the library lend at a time?", "ten"),
    ("Tomatoes should be planted after the last frost in May.", "When should tomatoes be planted?", "May"),
    ("The train to Porto takes three hours.", "How long does the train to Porto take?", "three hours"),
    ("Copper conducts electricity better than iron.", "What conducts electricity better than iron?", "Copper"),
    ("The bakery on Mill Street sells rye bread on Thursdays.", "On which day is rye bread sold?", "Thursdays"),
    ("The bridge is 240 metres long.", "How long is the bridge?", "240"),
    ("Whales breathe air through a blowhole.", "What do whales breathe through?", "blowhole"),
    ("The key to the cellar hangs behind the kitchen door.", "Where does the key hang?", "kitchen door"),
    ("Tickets for the concert cost 18 dollars.", "How much do the tickets cost?", "18"),
    ("The painter Ove Lind was born in Bergen.", "Where was Ove Lind born?", "Bergen"),
    ("The hotel serves breakfast from six to ten.", "When is breakfast served?", "six to ten"),
    ("The red button stops the machine.", "Which button stops the machine?", "red"),
    ("Water the cactus once a month in winter.", "How often is the cactus watered in winter?", "once a month"),
    ("The report must be sent to Ms. Adler by Friday.", "To whom must the report be sent?", "Adler"),
    ("The lake is frozen from December to March.", "Until when is the lake frozen?", "March"),
    ("Our dog is called Bruno.", "What is the name of the dog?", "Bruno"),
    ("The recipe needs 200 grams of flour.", "How much flour does the recipe need?", "200"),
    ("The school closed because of heavy snow.", "Why did the school close?", "snow"),
    ("The second floor is reserved for guests.", "Which floor is reserved for guests?", "second"),
    ("The fence was painted green last summer.", "In which colour was the fence painted?", "green"),
)
