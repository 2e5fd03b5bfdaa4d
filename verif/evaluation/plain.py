"""Plain texts of our own, in which nobody asks for anything: the general canary of a model that somebody else trained.

None is in any training data of ours. A policy that forgets its language while it learns to please a verifier finds them
less likely.
"""

from __future__ import annotations

TEXTS = tuple(
    line.strip()
    for line in """
The bridge was closed for repairs in the spring, so the buses took the long way round by the mill.
Water expands when it freezes, which is why a full bottle left outside in winter often breaks.
My grandmother kept her buttons in a tin that had once held biscuits, and we sorted them by colour on wet afternoons.
The committee met on Tuesday and agreed to paint the hall, provided that the roof was mended first.
A good knife needs little force; a blunt one slips and is far more dangerous.
In the north of the country the summers are short, and farmers plant barley rather than wheat.
She opened the letter slowly, read it twice, and put it back into its envelope without a word.
The heart pumps blood through two circuits, one to the lungs and one to the rest of the body.
Tickets can be bought at the counter or from the driver, but the driver gives no change.
He had never learnt to swim, and so he watched the others from the pier with his shoes in his hand.
Most of the houses in this street were built after the fire, when brick had become cheap.
The theory explains why the planets move as they do, yet it says nothing about how they were formed.
Mix the flour with a pinch of salt, add the butter in small pieces, and knead until the dough is smooth.
The train was almost empty, and the only sound was a child counting the stations.
Prices rose by four per cent last year, mainly because fuel and rent became more expensive.
Bees find their way back by the position of the sun, even when clouds cover part of the sky.
The old map showed a road where there is now a lake, and a village that nobody remembers.
We waited an hour for the doctor, who turned out to be a cheerful man with cold hands.
A contract is only as good as the trust between those who sign it.
The river rises in the hills, passes three towns, and reaches the sea near the lighthouse.
When the power failed, the whole street went out onto the balconies and talked until midnight.
The experiment was repeated twice with the same result, so the error must lie in the first measurement.
His handwriting was so small that the editor read the manuscript with a magnifying glass.
Sailors used to steer by the stars, and a cloudy week could take them far from their course.
The museum has two rooms of clocks, none of which shows the right time.
Wool keeps its warmth when it is wet, which cotton does not.
They argued about the fence for years and became friends on the day that it fell down.
The second edition corrects some mistakes of the first and adds a chapter on maps.
Snow had fallen overnight, and the first footprints in the garden were those of a fox.
To change the wheel, loosen the nuts a little before you lift the car off the ground.
The court decided that the path belonged to everybody, since people had walked on it for a hundred years.
Most languages borrow words from their neighbours, often together with the things that they name.
The orchestra tuned for a long time, and some in the audience took it for the first piece.
A small leak can empty a tank in a week if nobody looks at it.
The teacher drew a circle on the board and asked what was missing.
Coal was found here by chance, when a farmer dug a well behind his barn.
The cat slept on the warm engine, and so we learnt to knock before we started the car.
At noon the square is full of people who eat their lunch on the steps of the church.
The report says that fewer people drive to work, though it does not say why.
An echo needs a wall at some distance; in a small room it comes back too soon to be heard.
""".strip().splitlines()
)
