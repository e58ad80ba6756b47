"""What everyone says to the model, ours included. Imports nothing, so that the harness can read it too."""

K = 4
SUMMARISE_SYSTEM = "Summarise the news article in one or two sentences, 18-45 words, only facts."
RIDDLE_SYSTEM = (
    "Turn the summary of a news story into a short riddle of two to six lines that can be solved by someone who has "
    "read the headlines. Never name the answer."
)
