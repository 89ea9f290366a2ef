# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Handwritten digit recognition, from a picture to a microcontroller
#
# A small neural network learns to read handwritten digits. Then it is made small enough for a
# microcontroller, and a board reads the same digits. No board is needed: an emulated one stands
# in.
#
# 1. Load the data set
# 2. Look at the samples, and prepare them
# 3. Build the network
# 4. Train it, and plot how it learns
# 5. Test it, and let it read one digit
# 6. Make it int8: whole numbers of 8 bits
# 7. Ask a board
#
# Run the cells from top to bottom. With the settings below it takes about three minutes on a
# laptop.

# %%
import os
import shutil
import sys
from pathlib import Path

import numpy as np

from glyphite.convert import (
    Manifest,
    Mnist,
    compile_model,
    find_model,
    load_board,
    load_mnist,
    model_folder,
)
from glyphite.host import LitertRunner, build, connect, oracle
from glyphite.host.cli import main
from glyphite.train import Gallery, Settings, train, untrained

EPOCHS = int(os.environ.get("NOTEBOOK_EPOCHS", "2"))  # how often it sees every image
IMAGES = int(os.environ.get("NOTEBOOK_IMAGES", "60000"))  # how many it learns from

if Path.cwd().name == "train":  # where a notebook begins
    os.chdir("..")
folder = model_folder("digits")  # build/digits, where all files go
gallery = Gallery(folder.pictures, show="ipykernel" in sys.modules)

# %% [markdown]
# ## 1. Load the data set
#
# MNIST has 70,000 digits that people wrote by hand: 60,000 to learn from, and 10,000 to test
# with. The first call downloads them; later ones take them from a cache. The network never learns
# from the test images: what it reads right there, it has understood and not learnt by heart.

# %%
everything = load_mnist(report=print)
data = Mnist(
    everything.train_images[:IMAGES],
    everything.train_labels[:IMAGES],
    everything.test_images[:IMAGES],
    everything.test_labels[:IMAGES],
)
print("to learn from:", data.train_images.shape, "to test with:", data.test_images.shape)

# %% [markdown]
# ## 2. Look at the samples, and prepare them
#
# A sample is a picture of 28 x 28 pixels. A pixel is a number: 0 is the paper, 255 the middle of
# a stroke. The label says which digit it is.

# %%
gallery.training_images(data.train_images, data.train_labels)
print("labels of the first ten:", *data.train_labels[:10])

# %% [markdown]
# Networks learn best from small numbers. So every pixel is divided by 255, which gives 0 to 1.
# The training below does that by itself, and notes it for the board, which has to do the same.

# %%
first = data.train_images[0]
prepared = first / 255
print("pixels:", first.min(), "to", first.max())
print("prepared:", prepared.min(), "to", prepared.max())

# %% [markdown]
# ## 3. Build the network
#
# A convolutional neural network (CNN). It looks at the picture through small windows.
#
# - `Conv2D` moves a window of 3 x 3 pixels over the picture, and looks for a small pattern, such
#   as an edge. The first layer looks for 32 patterns, the later ones for 64.
# - `MaxPooling2D` keeps the largest of each 2 x 2 values. The picture gets smaller, and where
#   exactly a stroke is counts less.
# - `Dropout` leaves out some values while it learns, so that the network relies on no single one.
# - `Flatten` and `Dense` weigh all that was found. The last layer has ten outputs, one for each
#   digit; `softmax` makes them shares of 1.

# %%
settings = Settings("seed", epochs=EPOCHS)
untrained(settings).summary(line_length=80)

# %% [markdown]
# ## 4. Train it, and plot how it learns
#
# The network sees 32 images at a time, compares its answers with the labels, and changes its
# weights a little so that the answers get better. One pass over all images is an epoch.


# %%
class Teller:
    """Prints every 500th step of a training."""

    def __init__(self) -> None:
        self.steps, self.note = 0, ""

    def __call__(self, steps: int = 1, note: str | None = None) -> None:
        """``steps`` more are done; ``note`` says how it goes."""
        self.steps, self.note = self.steps + steps, note or self.note
        if steps and self.steps % 500 == 0:
            print(f"step {self.steps}, {self.note}")


trained = train(settings, data, Teller())
trained.save(folder.keras, folder.history)
print("saved:", folder.keras)

# %% [markdown]
# The loss says how wrong the answers are; the accuracy, how many are right. While it learns,
# dropout makes the task harder: so the test images may do better than the training images.

# %%
history = trained.history
gallery.by_epoch("accuracy", history["accuracy"], history["val_accuracy"])
gallery.by_epoch("loss", history["loss"], history["val_loss"])

# %% [markdown]
# ## 5. Test it, and let it read one digit
#
# For each test image the network gives ten scores. The digit with the highest one is its answer.

# %%
parts = np.array_split(data.test_images, max(1, len(data.test_images) // 500))
scores = np.concatenate([trained.scores(part) for part in parts])
answers = scores.argmax(axis=1)
right = int((answers == data.test_labels).sum())
share = 100 * right / len(answers)
print(f"float: {right:,} of {len(answers):,} test images are read right, {share:.2f} %")

# %%
gallery.prediction(data.test_images[0], scores[0], int(data.test_labels[0]))
print("the first test image is a", data.test_labels[0], "and is read as a", answers[0])

# %% [markdown]
# Which digits are mistaken for which? A row is a digit, a column what it was read as.

# %%
mistaken = np.zeros((10, 10), int)
np.add.at(mistaken, (data.test_labels, answers), 1)
print("read as " + "".join(f"{digit:6}" for digit in range(10)))
for digit, row in enumerate(mistaken):
    print(f"a {digit}     " + "".join(f"{count:6}" for count in row))

# %% [markdown]
# ## 6. Make it int8: whole numbers of 8 bits
#
# The weights are floating-point numbers of 4 bytes. A microcontroller has little memory, and
# computes best with whole numbers. So every weight and every value between two layers becomes a
# whole number from -128 to 127 and a scale, which says what a step of 1 means. To find the
# scales, the converter watches 500 training images pass through the network.
#
# In a terminal the next cell is `glyphite convert digits`.

# %%
status = main(["convert", "digits"])  # 0 where it went well

# %% [markdown]
# Does the small network read as well as the large one? LiteRT runs it on this PC.

# %%
folder = find_model("digits")
manifest = Manifest.load(folder.manifest)
tensors = manifest.quantize(data.test_images)
(int8_scores,) = LitertRunner(folder.tflite).run(tensors)
int8_answers = int8_scores.argmax(axis=1)
int8_right = int((int8_answers == data.test_labels).sum())
print(f"float: {4 * trained.parameters:,} bytes of weights, {right:,} right")
print(f"int8:  {folder.tflite.stat().st_size:,} bytes, the whole file, {int8_right:,} right")
print("other answers than float:", int((int8_answers != answers).sum()))

# %% [markdown]
# ## 7. Ask a board
#
# The network becomes C code, the code becomes firmware, and an emulated board with a Cortex-M4
# processor runs it. (Where the tools for it are missing, this PC plays the board.) What it
# answers must be, byte for byte, what TensorFlow Lite Micro answers on this PC (`int8_tflm`
# below).

# %%
has_tools = shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")
board = load_board("cortex-m4" if has_tools else "native")
compiled = compile_model(
    folder.tflite.read_bytes(), folder.name, architecture=board.mcu.architecture
)
compiled.write(folder.generated)
size = build(folder, board).size
print(f"{board.name}: {size.flash:,} bytes of flash, {size.ram:,} bytes of RAM")

# %%
few = tensors[:50]
with connect(f"sim://{board.name}", manifest.sha256) as session:
    board_scores = session.infer(few)
reference = oracle(folder.tflite)  # TensorFlow Lite Micro, or what stands in for it
(expected,) = reference.run(few)
print("the board reads:", *board_scores[:10].argmax(axis=1))
print("the labels are: ", *data.test_labels[:10])
differ = int((board_scores != expected).sum())
print(f"{differ} of {expected.size} bytes differ from those of {reference.name}")

# %% [markdown]
# ## What next
#
# In a terminal, in the project's folder:
#
# ```sh
# glyphite compare digits                            # float, LiteRT, TFLM and the C on all images
# glyphite compare digits --robustness               # shifted, noisy and badly lit digits
# glyphite predict photo.png digits                  # a digit of your own, from a photo
# glyphite report digits                             # a page with pictures
# glyphite flash uno --board uno --port sim://uno    # a smaller network, on an Arduino Uno
# ```
