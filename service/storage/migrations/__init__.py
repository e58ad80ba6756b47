"""The history of the schema. Forward only: to go back, restore the copy of the data folder made before the update."""
