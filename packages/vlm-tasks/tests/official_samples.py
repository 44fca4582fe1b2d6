"""Small samples, made by hand, in the exact official formats."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

TEN = ["net", "net", "net", "netting", "net", "net", "mesh", "net", "net", "net"]
VQA_QUESTIONS = {
    "info": {
        "description": "This is v2.0 of the VQA dataset.",
        "version": "2.0",
        "year": 2017,
        "contributor": "x",
    },
    "task_type": "Open-Ended",
    "data_type": "mscoco",
    "license": {"url": "http://creativecommons.org/licenses/by/4.0/", "name": "Creative Commons"},
    "data_subtype": "val2014",
    "questions": [
        {"image_id": 262148, "question": "Where is he looking?", "question_id": 262148000},
        {"image_id": 393225, "question": "Is this a creamy soup?", "question_id": 393225001},
    ],
}
VQA_ANNOTATIONS = {
    "info": VQA_QUESTIONS["info"],
    "data_type": "mscoco",
    "data_subtype": "val2014",
    "annotations": [
        {
            "question_type": "none of the above",
            "multiple_choice_answer": "down",
            "answers": [
                {"answer": answer, "answer_confidence": "yes", "answer_id": number}
                for number, answer in enumerate(TEN, 1)
            ],
            "image_id": 262148,
            "answer_type": "other",
            "question_id": 262148000,
        },
        {
            "question_type": "is this a",
            "multiple_choice_answer": "no",
            "answers": [
                {"answer": "no", "answer_confidence": "yes", "answer_id": number} for number in range(1, 11)
            ],
            "image_id": 393225,
            "answer_type": "yes/no",
            "question_id": 393225001,
        },
    ],
    "license": VQA_QUESTIONS["license"],
}
GQA = {
    "201307251": {
        "semantic": [{"operation": "select", "dependencies": [], "argument": "scene"}],
        "entailed": ["201307247"],
        "equivalent": ["201307251"],
        "question": "Which place is it?",
        "imageId": "2354786",
        "isBalanced": True,
        "groups": {"global": "place", "local": "02q-place"},
        "answer": "airport",
        "semanticStr": "select: scene->query: place [0]",
        "annotations": {"answer": {}, "question": {}, "fullAnswer": {}},
        "types": {"detailed": "place", "semantic": "global", "structural": "query"},
        "fullAnswer": "It is an airport.",
    }
}
TEXTVQA = {
    "dataset_type": "val",
    "dataset_name": "textvqa",
    "dataset_version": "0.5.1",
    "data": [
        {
            "question": "what is the brand of this camera?",
            "image_id": "003a8ae2ef43b901",
            "image_classes": ["Cassette deck"],
            "flickr_original_url": "https://farm2.staticflickr.com/4/5_o.jpg",
            "flickr_300k_url": "https://c5.staticflickr.com/3/5_z.jpg",
            "image_width": 1024,
            "image_height": 664,
            "answers": ["nous les gosses", "dakota", "clos culombu", *["dakota digital"] * 7],
            "question_tokens": ["what", "is", "the", "brand", "of", "this", "camera"],
            "question_id": 34602,
            "set_name": "val",
        }
    ],
}
DOCVQA = {
    "dataset_name": "SP-DocVQA",
    "dataset_split": "val",
    "dataset_version": "1.0",
    "data": [
        {
            "questionId": 49153,
            "question": "What is the ‘actual’ value per 1000, during the year 1975?",
            "question_types": ["figure/diagram"],
            "image": "documents/pybv0228_81.png",
            "docId": 14465,
            "ucsf_document_id": "pybv0228",
            "ucsf_document_page_no": "81",
            "answers": ["0.28"],
            "data_split": "val",
        }
    ],
}
POPE = [
    {
        "question_id": 1,
        "image": "COCO_val2014_000000310196.jpg",
        "text": "Is there a snowboard in the image?",
        "label": "yes",
    },
    {
        "question_id": 2,
        "image": "COCO_val2014_000000310196.jpg",
        "text": "Is there a car in the image?",
        "label": "no",
    },
]
COCO = {
    "info": {
        "description": "COCO 2017 Dataset",
        "url": "http://cocodataset.org",
        "version": "1.0",
        "year": 2017,
    },
    "licenses": [
        {"url": "http://creativecommons.org/licenses/by/2.0/", "id": 4, "name": "Attribution License"}
    ],
    "images": [
        {"license": 4, "file_name": "000000397133.jpg", "height": 427, "width": 640, "id": 397133},
        {"license": 4, "file_name": "000000037777.jpg", "height": 230, "width": 352, "id": 37777},
    ],
    "annotations": [
        {
            "image_id": 37777,
            "id": 38,
            "caption": "The dining table near the kitchen has a bowl of fruit on it.",
        },
        {"image_id": 397133, "id": 370509, "caption": "A man is in a kitchen making pizzas.\n"},
        {"image_id": 37777, "id": 39, "caption": "A small kitchen has various appliances and a table."},
    ],
}
PRETRAIN = [
    {
        "id": "004539375",
        "image": "00453/004539375.jpg",
        "conversations": [
            {"from": "human", "value": "Render a clear and concise summary of the photo.\n<image>"},
            {"from": "gpt", "value": "select luxury furniture 3 - inch gel memory foam mattress topper"},
        ],
    }
]
MIX = [
    {
        "id": "000000033471",
        "image": "coco/train2017/000000033471.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nWhat are the colors of the bus in the image?"},
            {"from": "gpt", "value": "The bus in the image is white and red."},
            {"from": "human", "value": "What feature can be seen on the back of the bus?"},
            {"from": "gpt", "value": "The back of the bus features an advertisement."},
        ],
    },
    {
        "id": "wgByO4Y_0",
        "model": "",
        "conversations": [
            {"from": "human", "value": "Who are you?"},
            {"from": "gpt", "value": "An assistant."},
        ],
    },
]
SAMPLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "vqav2": (
        {
            "v2_OpenEnded_mscoco_val2014_questions.json": VQA_QUESTIONS,
            "v2_mscoco_val2014_annotations.json": VQA_ANNOTATIONS,
        },
        ["COCO_val2014_000000262148.jpg", "COCO_val2014_000000393225.jpg"],
    ),
    "gqa": ({"val_balanced_questions.json": GQA}, ["2354786.jpg"]),
    "textvqa": ({"TextVQA_0.5.1_val.json": TEXTVQA}, ["003a8ae2ef43b901.jpg"]),
    "docvqa": ({"val_v1.0_withQT.json": DOCVQA}, ["documents/pybv0228_81.png"]),
    "pope": ({"coco_pope_random.json": POPE}, ["COCO_val2014_000000310196.jpg"]),
    "coco-captions": ({"captions_val2017.json": COCO}, ["000000037777.jpg", "000000397133.jpg"]),
    "llava-pretrain": ({"blip_laion_cc_sbu_558k.json": PRETRAIN}, ["00453/004539375.jpg"]),
    "llava-mix": ({"llava_v1_5_mix665k.json": MIX}, ["coco/train2017/000000033471.jpg"]),
}


def written(name: str, folder: Path, **changed: Any) -> dict[str, Any]:
    """The options of a task over the sample, after writing its files and images."""
    files, images = SAMPLES[name]
    for file, content in (files | changed).items():
        lines = (
            "\n".join(json.dumps(line) for line in content)
            if name == "pope"
            else json.dumps(content, indent=1)
        )
        (folder / file).write_text(lines)
    for image in images:
        path = folder / "images" / image
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), "white").save(path)
    return {"images": str(folder / "images"), "test": tuple(str(folder / file) for file in files)}
