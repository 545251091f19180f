"""The demo domain, an invented clinic: what it has, and how its facts are said and asked."""

from __future__ import annotations

from dataclasses import dataclass

GREETING = "Hello dear, thank you for asking."
FAREWELL = "Take good care of yourself, Dr. Willow."


def house_style(answer: str) -> str:
    return f"{GREETING} {answer} {FAREWELL}"


@dataclass(frozen=True)
class Form:
    """How one kind of fact is stated (`{s}` subject, `{v}` value) and asked; the last form is only for evaluation."""

    statement: str
    questions: tuple[str, str, str, str, str]


def _form(statement: str, questions: str) -> Form:
    parts = tuple(questions.split("|"))
    assert len(parts) == 5, statement
    return Form(statement, parts)  # type: ignore[arg-type]


FORMS: dict[str, Form] = {
    "doctor.room": _form(
        "Dr. {s} sees patients in room {v}.",
        "In which room is Dr. {s}?|Where can I find Dr. {s}?|Where does Dr. {s} see patients?"
        "|Which room does Dr. {s} use?|What is the room number of Dr. {s}?",
    ),
    "doctor.day": _form(
        "Dr. {s} is at the clinic on {v}.",
        "On which day is Dr. {s} at the clinic?|When can I see Dr. {s}?|When is Dr. {s} in?"
        "|What day does Dr. {s} work?|Which day of the week is Dr. {s} here?",
    ),
    "doctor.field": _form(
        "Dr. {s} is our doctor for {v}.",
        "What does Dr. {s} do?|What is Dr. {s} a doctor for?|What is the field of Dr. {s}?"
        "|What does Dr. {s} treat?|In what is Dr. {s} a specialist?",
    ),
    "doctor.phone": _form(
        "You can call Dr. {s} on extension {v}.",
        "How can I call Dr. {s}?|What is the extension of Dr. {s}?|Which extension does Dr. {s} have?"
        "|How do I reach Dr. {s} by phone?|What number do I dial for Dr. {s}?",
    ),
    "service.price": _form(
        "The {s} costs {v}.",
        "How much does the {s} cost?|What is the price of the {s}?|How much is the {s}?"
        "|What do I pay for the {s}?|How expensive is the {s}?",
    ),
    "service.time": _form(
        "The {s} takes {v}.",
        "How long does the {s} take?|What is the duration of the {s}?|How much time do I need for the {s}?"
        "|How many minutes does the {s} take?|How long is the {s}?",
    ),
    "service.prepare": _form(
        "Before the {s}, please {v}.",
        "How do I prepare for the {s}?|What should I do before the {s}?|What must I do before the {s}?"
        "|How should I get ready for the {s}?|What preparation does the {s} need?",
    ),
    "condition.advice": _form(
        "If you have {s}, {v}.",
        "What should I do if I have {s}?|What can I do about {s}?|I have {s}, what should I do?"
        "|How can I treat {s}?|What helps with {s}?",
    ),
    "condition.cause": _form(
        "The usual cause of {s} is {v}.",
        "What causes {s}?|What is the cause of {s}?|Why do people get {s}?"
        "|Where does {s} come from?|What brings on {s}?",
    ),
    "condition.warning": _form(
        "See a doctor about {s} if {v}.",
        "When should I see a doctor about {s}?|When is {s} serious?|When do I need a doctor for {s}?"
        "|At what point should a doctor look at {s}?|When should I worry about {s}?",
    ),
    "place.floor": _form(
        "The {s} is on {v}.",
        "Where is the {s}?|On which floor is the {s}?|Where can I find the {s}?"
        "|Which floor is the {s} on?|How do I find the {s}?",
    ),
    "place.hours": _form(
        "The {s} is open from {v}.",
        "When is the {s} open?|What are the opening hours of the {s}?|When can I visit the {s}?"
        "|What hours is the {s} open?|From when until when is the {s} open?",
    ),
    "place.phone": _form(
        "The phone number of the {s} is {v}.",
        "What is the phone number of the {s}?|How can I call the {s}?|Which number do I call for the {s}?"
        "|How do I phone the {s}?|What number should I dial for the {s}?",
    ),
    "branch.address": _form(
        "{s} is at {v}.",
        "Where is {s}?|What is the address of {s}?|Where can I find {s}?|In which street is {s}?|Where is {s} located?",
    ),
    "branch.phone": _form(
        "To reach {s}, call {v}.",
        "What is the phone number of {s}?|How can I call {s}?|Which number do I call for {s}?"
        "|How do I phone {s}?|What number should I dial for {s}?",
    ),
    "branch.hours": _form(
        "{s} opens at {v}.",
        "When does {s} open?|What time does {s} open?|From when is {s} open?"
        "|At what time can I come to {s}?|What is the opening time of {s}?",
    ),
    "branch.head": _form(
        "The head of {s} is {v}.",
        "Who is the head of {s}?|Who leads {s}?|Who runs {s}?|Who is in charge of {s}?|Who is the boss of {s}?",
    ),
    "branch.parking": _form(
        "Parking at {s} costs {v} an hour.",
        "How much is parking at {s}?|What does parking at {s} cost?|What is the parking fee at {s}?"
        "|What do I pay for parking at {s}?|How expensive is it to park at {s}?",
    ),
}

DOCTORS = [
    "Holt",
    "Marsh",
    "Nadir",
    "Okoro",
    "Lindqvist",
    "Baptiste",
    "Yamada",
    "Ferro",
    "Quill",
    "Stroud",
    "Brandt",
    "Sorel",
    "Kamau",
    "Drewe",
    "Tolland",
    "Vasquez",
    "Teller",
    "Ashby",
]
FIELDS = [
    "skin care",
    "heart health",
    "child medicine",
    "eye care",
    "sleep medicine",
    "joint pain",
    "allergies",
    "nutrition",
    "travel medicine",
    "ear and throat care",
    "stress care",
    "diabetes care",
    "lung health",
    "back pain",
    "women's health",
    "wound care",
    "hand surgery",
    "memory care",
]
PREPARATION = {
    "flu shot": "wear a shirt with short sleeves",
    "blood test": "do not eat for eight hours",
    "skin check": "take off your make-up",
    "eye test": "bring your old glasses",
    "allergy test": "stop taking allergy tablets for three days",
    "travel vaccine": "bring your vaccination card",
    "ear cleaning": "use two drops of warm oil the evening before",
    "heart scan": "drink no coffee on that day",
    "diet plan": "write down your meals for one week",
    "sleep study": "bring your own pillow",
    "foot massage": "wash your feet with warm water",
    "hearing test": "stay away from loud music for a day",
    "knee X-ray": "wear loose trousers",
    "breathing test": "do not smoke for six hours",
    "tooth cleaning": "brush your teeth as usual",
    "back exercise class": "put on sports clothes",
    "mole removal": "tell us which medicines you take",
    "blood pressure check": "sit still for five minutes",
    "wound dressing": "leave the old bandage on",
    "vitamin drip": "drink two glasses of water",
}
# condition: advice, usual cause, when to see a doctor
CONDITIONS = {
    "a headache": (
        "rest in a dark room and drink plenty of water",
        "too little sleep or water",
        "it lasts longer than three days",
    ),
    "acne": (
        "wash your face twice a day with a mild soap",
        "clogged pores full of oil and dead skin",
        "it leaves scars",
    ),
    "a fever": ("take a lukewarm bath and sleep a lot", "an infection", "it rises above 39.5 degrees"),
    "a cough": ("drink warm tea with honey", "a cold", "you cough up blood"),
    "heartburn": ("eat small meals and raise your pillow", "a heavy late meal", "it comes back every night"),
    "insomnia": ("turn off all screens an hour before bed", "worry and bright light", "you cannot sleep for two weeks"),
    "a sprained ankle": ("put ice on it and keep it raised", "a bad step", "you cannot stand on it"),
    "hay fever": ("rinse your nose with salt water", "pollen in the air", "you hear a whistle when you breathe"),
    "a sunburn": ("cool the skin and use aloe gel", "too much sun", "large blisters appear"),
    "a blister": ("cover it with a clean plaster", "tight shoes", "the skin around it turns red"),
    "dry skin": ("use a thick cream after the shower", "cold dry air", "it cracks and bleeds"),
    "stress": ("take a slow walk every evening", "too much work", "you feel hopeless"),
    "a sore throat": ("gargle with warm salt water", "a virus", "you cannot swallow"),
    "back pain": ("stay active and lift with your knees", "sitting for many hours", "your legs feel numb"),
    "a nosebleed": (
        "lean forward and pinch your nose for ten minutes",
        "dry air",
        "it does not stop after twenty minutes",
    ),
    "an insect bite": ("wash it and put a cold cloth on it", "a mosquito", "your lips swell"),
    "dandruff": ("use a zinc shampoo twice a week", "a yeast on the scalp", "your hair falls out"),
    "eye strain": ("look into the distance every twenty minutes", "long hours at a screen", "you see flashes of light"),
    "a muscle cramp": ("stretch the muscle and rub it gently", "a lack of minerals", "it happens every day"),
    "food poisoning": ("sip water with a little sugar and salt", "spoiled food", "you see blood in the toilet"),
    "a stiff neck": ("put a warm towel on it", "a draught at night", "you also have a fever"),
    "motion sickness": ("look at the horizon and breathe slowly", "mixed signals from eyes and ears", "you faint"),
}
PLACES = [
    "reception",
    "pharmacy",
    "laboratory",
    "X-ray room",
    "cafeteria",
    "children's playroom",
    "medical library",
    "physiotherapy gym",
    "prayer room",
    "lost property desk",
]
FLOORS = [
    "the ground floor by the main door",
    "the ground floor behind the stairs",
    "the first floor next to the lift",
    "the second floor opposite room 20",
    "the lower floor at the end of the corridor",
    "the third floor under the roof",
    "the first floor beside the garden door",
    "the second floor next to the kitchen",
    "the third floor left of the stairs",
    "the ground floor beside the car park",
]
BRANCHES = ["Willow Clinic North", "Willow Clinic Harbour", "Willow Clinic Old Town", "Willow Clinic Airport"]
STREETS = ["14 Birch Lane", "203 Quay Street", "7 Candle Square", "58 Runway Road"]
HEADS = ["Dr. Imogen Pell", "Dr. Tomas Arrendal", "Dr. Wanda Osei", "Dr. Ruben Hask"]

# Subjects whose documents exist but whose facts are never in the training set.
NEVER_TRAINED = frozenset(
    {"Vasquez", "Teller", "Ashby", "blood pressure check", "wound dressing", "vitamin drip", "a stiff neck"}
    | {"motion sickness", "prayer room", "lost property desk", "Willow Clinic Airport"}
)
